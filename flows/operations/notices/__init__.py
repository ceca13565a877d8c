"""The flows behind the notices: deliver, watch deadlines, tell of the day, review silences.

None of them is needed for a run's own notices to go out in fair weather: a run tries that itself.
They see to the rest: what could not be delivered, what never began, what died, what is still
broken, and what was silenced and forgotten. Each is safe to run at any time, and twice.
"""
