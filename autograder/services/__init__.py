"""Real servers without Docker: each starts from locked files on a free loopback port, in a folder of its own, and never
outlives the process that started it.
"""
