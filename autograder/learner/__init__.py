"""What the learner's verbs do: check a notebook from the terminal, show progress and hints, reset, watch.

`notebook` reads the learner's file, `kernel` runs cells, `checking` turns them into verdicts, `summary` counts what is
done, `pristine` brings the released notebook back, `watching` and `keyboard` are `course watch`, `terminal` prints.
"""
