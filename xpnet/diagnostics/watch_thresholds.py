"""What a watched training is warned of, each threshold with its reason.

Healthy trainings were 30 of different kinds, on the digits, CIFAR-10 and made-up data. What is said
of them here is the figure that came nearest to the threshold. Another 28, tried when the thresholds
stood, were warned of nothing. What one more showed since is in the rule: a gradient by depth of a
net of one hidden layer is not judged by the start alone.
"""

__all__ = [
    "DEAD_SHARE",
    "FALLEN",
    "FITTING_UPDATE",
    "GAP",
    "GAP_ERRORS",
    "HARDLY_FALLEN",
    "LARGE_UPDATE",
    "LEARNT_ERRORS",
    "LEARNT_R_SQUARED",
    "LEAST_EPOCHS",
    "LOSS_ERROR",
    "SATURATED_SHARE",
    "SLOWLY_FALLEN",
    "SMALL_UPDATE",
    "TRAINED",
    "WHOLE_UPDATE",
]

# Most of a layer's units, on the whole validation part. A unit that is 0 there gets no gradient
# from samples like these. The notes speak of 40% at a learning rate that is too high. Healthy: 0.14
# at most, in eight layers.
DEAD_SHARE = 0.5

# Of the outputs of sigmoid or tanh. At 0.85 the sums before tanh spread 11 times as wide as Glorot
# and Bengio's 1. Trainings of one or two layers to the end, on inputs of a spread of 5, reached
# 0.76 and were right in 95% of the samples.
SATURATED_SHARE = 0.85

# The norm of an update over that of the weights, which the notes want "around 1e-3". At 1 a step
# replaces what was there. Weights that begin near 0 are taken as Xavier's. Healthy: 0.08 at the
# start; 0.5 once came right.
WHOLE_UPDATE = 1.0
# Twice, when the first steps are done. Healthy: 0.1 of small initial weights, then 0.03.
LARGE_UPDATE = 0.2
# Of the first update, for which a learning rate is suggested: digits train well at 0.005 to 0.02.
FITTING_UPDATE = 0.01
# At the full learning rate, where the loss has hardly moved either: learning rates a hundred times
# too low have 2e-4. Healthy while there was something to learn: 5e-4.
SMALL_UPDATE = 3e-4
# The mean loss of the last epoch over the first loss. Learning rates a hundred times too low left
# 0.9 after two epochs of the digits. Healthy then: below 0.8, or updates above SMALL_UPDATE.
SLOWLY_FALLEN = 0.8

# The same, where nothing at all is learnt: a net's first loss is rarely the least that a constant
# answer has, so that biases alone take some off it.
FALLEN = 0.9
# The mean loss of the last epoch over that two epochs before.
HARDLY_FALLEN = 0.99
# Standard error of their difference, of the loss: noisier ones do not show whether they fall.
LOSS_ERROR = 0.01
# The training accuracy beyond the largest class's share, in standard errors; or R squared.
LEARNT_ERRORS = 3.0
LEARNT_R_SQUARED = 0.01
# Epochs, before a loss that does not fall is spoken of: long plateaus end.
LEAST_EPOCHS = 3
# The training accuracy after the first step, on the way from the largest class's share to 1, of a
# net that was trained before: its loss need not fall.
TRAINED = 0.3

# Training accuracy minus validation accuracy, at two checks one after the other. Healthy: 0.24, of
# 5,000 pictures; 100 digits had 0.29.
GAP = 0.25
# And so many standard errors of the validation accuracy beyond, for small validation parts.
GAP_ERRORS = 2.0
