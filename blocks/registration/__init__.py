"""Writing block types and block documents to a Prefect server, from what is declared in files.

`declarations` reads the files, `references` resolves what they refer to, `desired` makes blocks
of them, `plan` compares those with what a server has, `server` reads and writes it. A file holds
no secret: it says where one is.
"""
