"""The words that every other package uses: names, values, errors, events, risk-rule ids, command verbs. Pure."""
