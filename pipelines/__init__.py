"""The pipeline's entry points in a checkout: `python -m pipelines.capture`.

The code is the package `townlet.pipelines`, under the one name by which it is installed, imported and pickled; a
project that has a package `pipelines` of its own is not disturbed by Townlet. These modules only pass on.
"""
