"""Set-up of a learner's machine: jars, Spark configuration, and the doctor that checks both."""
