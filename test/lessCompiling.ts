/**
 * Flags of V8 for tests. Most of their code runs a few times, and optimising it takes a fifth of the processor's time: it is compiled
 * simply at once, and optimised only after ten times as much work as by default.
 */
export const lessCompiling = ['--always-sparkplug', '--interrupt-budget=1500000'] as const
