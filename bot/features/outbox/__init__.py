"""What people have to be notified of, kept until they were: conditions that began, and that ended.

Features write the conditions of what they look at in the transaction that stores the state itself; `notices` sends.
"""
