"""How the service is seen from outside: is it well (`/healthz`, `/readyz`), what does it do (`/metrics`), for whom."""
