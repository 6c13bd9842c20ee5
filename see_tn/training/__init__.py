"""Training of models whose table is a layer: alignment with a teacher, then distillation; resumed exactly."""
