"""Whoever should know is told: a late or failing feed, what is held, changes that failed, and a digest once a week.

What is told is decided by a pure function (`deciding`), remembered in the store (`remembering`) and sent at the edge (`sending`), the only file that knows
Apprise. Without `personal_data = true` nothing that could hold a name gets this far (`safe`).
"""
