"""For torch: functions whose backward is wrong, or right but not differentiable itself, or right; a small network."""

import torch


class Cube(torch.autograd.Function):
    """x³ whose backward gives 2x² instead of 3x²."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return 2 * x**2 * grad_output


class DetachedCube(torch.autograd.Function):
    """x³ whose backward is right, and detached: a second derivative by it is 0."""

    @staticmethod
    def forward(ctx, x):
        ctx.x = x.detach()
        return x**3

    @staticmethod
    def backward(ctx, grad_output):
        return 3 * ctx.x**2 * grad_output


class ClampedExp(torch.autograd.Function):
    """exp(min(x, limit)), in the newer style with a setup_context."""

    @staticmethod
    def forward(x, limit=3.0):
        return torch.exp(torch.clamp(x, max=limit))

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, *limit = inputs
        ctx.limit = limit[0] if limit else 3.0
        ctx.save_for_backward(x, output)

    @staticmethod
    def backward(ctx, grad_output):
        x, output = ctx.saved_tensors
        grad = torch.where(x < ctx.limit, output, 0) * grad_output
        return (grad, None)[: len(ctx.needs_input_grad)]


torch.manual_seed(0)
network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2), torch.nn.Softmax(dim=-1))
