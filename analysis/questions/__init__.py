"""Questions across calls: passages to look in, ranking them, groups of quotes, answers that rest on them."""
