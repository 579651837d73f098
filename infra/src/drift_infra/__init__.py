"""The Pulumi program of MLOps Drift Monitor: settings in, resources out, no other input."""
