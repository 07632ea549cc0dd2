"""The Beam side of Townlet: how runs become samples on disk. No simulation lives here.

No Beam here: `import townlet.pipelines` loads none; the modules that use Beam are imported for work only, and
`runners.silence_beam_output.import_beam` before them keeps Beam from changing the process's logging.
"""
