# Spark's launcher reads this before it starts the JVM. The JVM's own notices ("WARNING: Using incubator modules") would
# otherwise stand in the first cell's output; everything else that it writes to standard error passes.
set +o posix
exec 2> >(exec grep --line-buffered -v '^WARNING: ' >&2)
