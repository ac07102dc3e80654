"""What instructors see and send: feedback pages, the class report, exports, and nbgrader's gradebook kept in step.

Everything is made from the results of `course grade`, the manifest and, where given, the marks of nbgrader's gradebook.
Nothing here grades, starts Spark or runs learner code. What learners could have written is treated as text only.
"""
