"""PPO: capture, learn, capture; and the folder in which a training lies."""
