"""One file per verb of the `course` command, each with a click command named `command`. They only parse and print."""
