import { h, type Piece } from '../page/tree.ts'
import { texts } from '../texts.ts'
import type { Act } from './actions.ts'
import type { State } from './model.ts'

/** Holds payments, or lets them go on: over a lane of either kind. */
export function pauseButton({ isPaused }: State, act: Act): Piece {
  return h(
    'button',
    {
      type: 'button',
      'aria-pressed': isPaused ? 'true' : 'false',
      onclick: () => act({ do: isPaused ? 'resume' : 'pause' }),
    },
    isPaused ? texts.lane.resume : texts.lane.pause,
  )
}

/** Closes a lane of either kind, together with the shop. */
export function closeButton(
  button: { readonly label: string; readonly busy: string; readonly isBusy: boolean; readonly isPrimary?: boolean },
  act: Act,
): Piece {
  const { label, busy, isBusy, isPrimary = false } = button
  return h(
    'button',
    {
      type: 'button',
      class: isPrimary ? 'primary' : null,
      'aria-disabled': isBusy ? 'true' : null,
      onclick: isBusy ? null : () => act({ do: 'close' }),
    },
    isBusy ? busy : label,
  )
}
