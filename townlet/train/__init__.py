"""Learning: behaviour cloning of captures, and PPO on towns. All but playing and evaluating needs the extra `train`."""
