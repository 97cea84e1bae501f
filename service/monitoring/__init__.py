"""How the service looks from outside: is it healthy (`/healthz`, `/readyz`), what is it doing (`/metrics`)."""
