"""The Beam side of Townlet: how runs become samples on disk. No simulation lives here.

`import townlet.pipelines` loads no Beam; its modules do, and `runners.silence_beam_output.import_beam` before them
keeps Beam from changing the process's logging.
"""
