"""Survey bias: propensity, prevalence, positive-unlabelled learning."""
