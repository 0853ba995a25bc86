"""An archive in a relational database: what is the same for all of them.

SQL is written in the words of SQLite, as far as others have or can be taught them, and runs through the
connection of a backend (`database.Database`), which has what they do in ways of their own.
"""
