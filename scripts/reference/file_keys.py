"""What each key of each JSON file, and each metric, means. A test holds these tables to files that were captured."""

from __future__ import annotations

from typing import NamedTuple

SHA256 = "text: SHA-256, hex"
Key = tuple[str, str, str]  # name, type, meaning


class JsonDocument(NamedTuple):
    file: str  # as a pattern: which file it is
    heading: str
    text: str  # Markdown
    keys: tuple[Key, ...]


OF_RUN: tuple[Key, ...] = (
    ("scenario_name", "text", "the run's name: the file's name of its config, or what a suite calls it"),
    ("scenario_description", "text", "as the config has it"),
    ("config_id", "text", "as the config has it"),
    (
        "config_path",
        "text",
        "where the config was, below the shipped configs or the suite; else its file's name",
    ),
    ("seed", "whole number", "0 to 2^63 - 1"),
    ("seed_text", "text", "the same"),
    ("ticks", "whole number", "how many were simulated"),
    (
        "fingerprint",
        SHA256,
        "of everything that decides the bytes: config, seed, ticks, policy, versions, options",
    ),
    ("rules_version", "whole number", "of the world's rules"),
    (
        "branch",
        "mapping",
        "of a run that leaves another one: that one's `content_digest`, `scenario_name`, `seed` and `seed_text`; the "
        "`tick`; the `changes`, in words; and, as `before`, how the ticks up to it were played. Else absent",
    ),
)
OPTIONS: tuple[Key, ...] = (
    ("format_version", "whole number", "of the files"),
    ("policy", "text or null", "`--policy`; null: the config's"),
    ("model_digest", "text or null", "SHA-256 of the model, where the policy is a network"),
    ("agent", "text or null", "`--agent`: the only agent whose samples are kept"),
    ("auto_seeded", "true or false", "`--auto-seed-agents`"),
    ("ignore_schedules", "true or false", "`--ignore-schedules`"),
    ("segment_ticks", "whole number", "`--segment-ticks`; 0 = not cut"),
    ("compression", "text", "`fast`, `small` or `none`"),
    ("prefix", "text", "what the names of files start with"),
)


def _below(prefix: str, keys: tuple[Key, ...]) -> tuple[Key, ...]:
    return tuple((f"{prefix}.{name}", kind, meaning) for name, kind, meaning in keys)


SIDECAR = JsonDocument(
    "<prefix>_<agent>_<NNN>.json",
    "Beside a sample: `<prefix>_<agent>_<NNN>.json`",
    "What the arrays mean, and who acted. The same is `sample.metadata`.",
    (
        ("agent_id", "text", "whose sample it is"),
        ("agent_index", "whole number", "arrival number: 1, 2, ... in the config's order, then newcomers"),
        ("agent_names", "list of text", "everybody who has lived so far, by arrival number"),
        ("object_names", "list of text", "ids of objects, by the index that `action_args` has"),
        ("feature_names", "list of text", "columns of `features`"),
        ("map_channels", "list of text", "channels of `map`"),
        ("map_shape", "list of 3 whole numbers", "C, H, W"),
        ("reward_term_names", "list of text", "columns of `reward_terms`"),
        ("action_lookup", "mapping of text to whole number", "an action, as JSON, to its id"),
        ("action_names", "list of text", "the same actions, by id"),
        ("action_dim", "whole number", "how many there are"),
        ("layout_digest", SHA256, "of all names and shapes but T: samples with equal digests can be batched"),
        ("timesteps", "whole number", "T"),
        ("frame_count", "whole number", "T"),
        ("value_pred_steps", "whole number", "T + 1"),
        ("training_arrays", "list of text", "the arrays that a PPO update reads"),
        ("first_tick", "whole number", "of the sample"),
        ("born_tick", "whole number", "on which the agent's life began"),
        ("truncated", "true or false", "the run ended and the agent lives"),
        ("segment.index", "whole number", "which piece of the life, from 0"),
        ("segment.last", "true or false", "no other piece follows"),
        ("gamma", "number", "discount of a tick, for which shaping is made"),
        (
            "bootstrap",
            "text",
            "`unknown`: a caller acted and did not say its critic's last value; else absent",
        ),
        ("policy.kind", "text", "who acted: `scripted`, a policy's name, `network`, `outside` or `mixed`"),
        ("policy.digest", "text or null", "SHA-256 of a network's file"),
        ("policy.log_prob_source", "text", "where log-probs come from"),
        ("policy.value_source", "text", "where values come from; `none`: they are 0"),
        ("policy.acted", "mapping of text to whole number", "where several acted: the timesteps of each"),
        ("policy.options", "mapping", "of a network: mode, temperature, remap, where not as usual"),
        ("policy.runtime", "text", "of a network: `compiled`, or the library that computed it"),
        ("format_version", "whole number", "of the files"),
        ("seed", "whole number", "of the run"),
        ("seed_text", "text", "the same"),
        *_below("capture_metadata", OF_RUN),
        ("metrics", "mapping of text to number", "see below"),
        ("sha256", SHA256, "of the sample's archive"),
    ),
)
MANIFEST = JsonDocument(
    "<prefix>_manifest.json",
    "The manifest: `<prefix>_manifest.json`",
    "Every file of a capture. What it does not name is not part of the capture.",
    (
        *_below("metadata", OF_RUN),
        *_below("metadata", OPTIONS),
        (
            "metadata.files.<kind>",
            "mapping",
            "`config`, `metrics`, `model_<sha256>`: `name`, `sha256`, `size` in bytes",
        ),
        (
            "metadata.models",
            "list of text",
            "SHA-256 of the models that run and config name; absent without any",
        ),
        (
            "metadata.networks",
            "list of text",
            "the networks that may act, as they are named; absent without any",
        ),
        ("metadata.sample_count", "whole number", ""),
        ("metadata.frame_count", "whole number", "of all samples"),
        ("metadata.size", "bytes", "of all files"),
        (
            "metadata.content_digest",
            SHA256,
            "of the samples' names and contents, however they are compressed",
        ),
        ("metadata.content_sha256", SHA256, "of this file, without this key"),
        ("samples[].sample", "text", "name of the archive"),
        ("samples[].sha256", SHA256, "of the archive"),
        ("samples[].size", "bytes", "of the archive"),
        ("samples[].meta", "text", "name of the JSON beside it"),
        ("samples[].meta_sha256", SHA256, "of that"),
        ("samples[].meta_size", "bytes", "of that"),
        ("samples[].agent_id", "text", ""),
        ("samples[].agent_index", "whole number", "arrival number"),
        ("samples[].segment", "whole number", "which piece of the life, from 0"),
        ("samples[].first_tick", "whole number", ""),
        ("samples[].frame_count", "whole number", ""),
        ("samples[].done", "true or false", "the life ended"),
        ("samples[].truncated", "true or false", "the run ended first"),
        ("samples[].content_digest", SHA256, "of names, dtypes, shapes and bytes of the arrays"),
        ("samples[].layout_digest", SHA256, "see above"),
        (
            "samples[].block_digests",
            "text",
            "of how the life begins, by which `split` finds lives that are shared",
        ),
    ),
)
CONFIG = JsonDocument(
    "<prefix>_config.json",
    "The config: `<prefix>_config.json`",
    "What was captured, with all defaults and affordances in it: a config by itself.",
    (
        ("config", "mapping", "[every key](../config.md)"),
        ("affordances", "mapping", "what the affordance file says"),
        ("name", "text", "the run's name"),
        ("config_path", "text", "as above"),
    ),
)
METRICS_FILE = JsonDocument(
    "<prefix>_metrics.json",
    "The metrics: `<prefix>_metrics.json`",
    "The figures of each sample.",
    (
        *_below("metadata", OF_RUN),
        *_below("metadata", OPTIONS),
        ("samples.<name>", "mapping of text to number", "by the name of the archive; see below"),
    ),
)
LOG = JsonDocument(
    "capture_log.json",
    "The log: `capture_log.json`",
    "When, where and with which versions files were written. It is part of no digest, and nothing reads it but people "
    "(and, in a versioned data set, `--keep`, which looks when a version stopped being current).",
    (
        ("finished", "text", "date and time, UTC"),
        ("host", "text", ""),
        ("machine", "text", "the processor's architecture"),
        ("platform", "text", ""),
        ("python", "text", "its version"),
        ("pid", "whole number", "of the process"),
        ("versions", "mapping of text to text", "of the libraries that decide bytes or speed"),
    ),
)
INDEX = JsonDocument(
    "dataset.json",
    "The root of an index: `dataset.json`",
    "Of a data set. Written last: what it does not name is not part of the data set.",
    (
        ("metadata.complete", "true or false", "all runs that were asked for are there"),
        ("metadata.partial", "list of text", "suites that are there in part only"),
        ("metadata.suites", "list of text", ""),
        ("metadata.run_count", "whole number", ""),
        ("metadata.sample_count", "whole number", ""),
        ("metadata.frame_count", "whole number", ""),
        ("metadata.failure_count", "whole number", "runs that failed"),
        ("metadata.size", "bytes", "of all runs"),
        (
            "metadata.files.<kind>",
            "mapping",
            "`card`, `failures`, `metrics`, `summaries`: `name`, `sha256`, `size`",
        ),
        ("metadata.index_version", "whole number", "of this file and all that it names"),
        ("metadata.content_sha256", SHA256, "of this file, without this key"),
        ("shards[].scenario", "text", "a shard: the runs of one scenario with seeds of one thousand"),
        ("shards[].seeds", "text", "of its runs: `0..99, 200`"),
        ("shards[].run_count", "whole number", ""),
        ("shards[].sample_count", "whole number", ""),
        ("shards[].frame_count", "whole number", ""),
        ("shards[].size", "bytes", "of its runs"),
        ("shards[].runs", "mapping", "`sha256` (which names the file below `index/runs/`) and `size`"),
        ("shards[].samples", "mapping", "the same of the table below `index/samples/`"),
    ),
)
SHARD = JsonDocument(
    "index/runs/<sha256>.json",
    "The runs of a shard: `index/runs/<sha256>.json`",
    "The table of the same shard, `index/samples/<sha256>.parquet`, has a row for each sample, with the metrics below "
    "as columns.",
    (
        ("runs[].scenario", "text", ""),
        ("runs[].seed", "whole number", ""),
        ("runs[].seed_text", "text", ""),
        ("runs[].config_id", "text or null", ""),
        ("runs[].ticks", "whole number", ""),
        ("runs[].fingerprint", SHA256, "see above"),
        ("runs[].folder", "text", "of the run, in the data set"),
        ("runs[].manifest", "text", "name of its manifest"),
        ("runs[].manifest_sha256", SHA256, ""),
        ("runs[].manifest_size", "bytes", ""),
        ("runs[].content_digest", SHA256, "as in the manifest"),
        ("runs[].sample_count", "whole number", ""),
        ("runs[].frame_count", "whole number", ""),
        ("runs[].size", "bytes", "of all its files"),
    ),
)
SUMMARY = JsonDocument(
    "metrics.json",
    "The metrics of a data set: `metrics.json`",
    "Over samples, a sample counting once. `failures.json` beside it has a list `failures`, empty where no run failed.",
    (
        ("overall.<metric>", "mapping", "`count`, `mean`, `std`, `min`, `max`"),
        ("scenarios.<name>.<metric>", "mapping", "the same, by scenario"),
    ),
)
DOCUMENTS = (SIDECAR, MANIFEST, CONFIG, METRICS_FILE, INDEX, SHARD, SUMMARY, LOG)

METRICS: dict[str, tuple[str, str]] = {
    "timesteps": ("ticks", "T"),
    "reward_sum": ("reward", "undiscounted"),
    "reward_mean": ("reward", "of a tick"),
    "reward_<term>_sum": ("reward", "of one term"),
    "reward_clip_ratio": ("0..1", "share of ticks whose reward was clipped"),
    "log_prob_mean": ("nats", ""),
    "value_pred_mean": ("reward", "without the bootstrap value"),
    "value_pred_last": ("reward", "the bootstrap value"),
    "label_mismatch_count": (
        "ticks",
        "attempts that a schedule labels `blocked`, and that went well all the same",
    ),
    "done": ("0 or 1", "the life ended"),
    "need_<name>_mean": ("0..1", "satisfaction, as seen before acting"),
    "need_<name>_min": ("0..1", ""),
    "rivalry_max_mean": ("0..1", "the strongest rivalry that the agent felt"),
    "rivalry_max_max": ("0..1", ""),
    "rivalry_avoid_count_mean": ("objects", "passed over because of a rival"),
    "rivalry_avoid_count_max": ("objects", ""),
    "lateness_mean": ("", "of the feature `lateness_counter`"),
    "wallet_last": ("coins", "in the last frame"),
    "action_total": ("ticks", "T"),
    "action_nonzero": ("ticks", "actions other than `wait`"),
    "action_entropy": ("nats", "of the actions taken"),
    "action_<kind>_count": (
        "ticks",
        "actions of a kind: `wait`, `move`, `request`, `start`, `release`, `chat`",
    ),
    "action_blocked_ratio": ("0..1", "share of actions after which the agent saw `last_action_success` = 0"),
}
