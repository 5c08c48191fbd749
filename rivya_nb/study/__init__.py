"""From pictures to a result that can be defended: measures, blind judgements, effects with intervals."""
