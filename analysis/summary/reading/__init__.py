"""The sentences of a call as a summary reads them: what each does, what is small talk, what came of it."""
