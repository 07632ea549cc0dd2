"""The capture pipeline's entry points in a checkout.

    python -m pipelines.capture --config CONFIG --output DIR [BEAM OPTIONS]     start a capture
    python -m pipelines.worker --warm                                           prepare a machine of workers

The pipeline itself is the package `townlet.pipelines`: that is its one name when it is installed, imported and
pickled, so that Townlet does not disturb a project that has a package `pipelines` of its own. In `townlet/pipelines/`:

    capture.py                 the whole pipeline: which step follows which, Beam's labels
    simulate.py stack.py       a run -> frames -> samples
    stage.py publish.py        samples -> staged files -> a capture in its place
    index.py                   what a data set knows of its runs
    launch.py runners/         where it runs: this process, workers, engines
    progress/                  what workers report meanwhile
"""
