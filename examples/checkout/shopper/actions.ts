import type { ArticleId } from '../api.ts'
import type { State } from './model.ts'

/** What a person can do on the shopper's page. */
export type Action =
  | { readonly do: 'create'; readonly password: string; readonly words: string | null }
  | { readonly do: 'unlock'; readonly password: string }
  | { readonly do: 'words-written' }
  | { readonly do: 'coins' }
  | { readonly do: 'copy'; readonly text: string }
  | { readonly do: 'choose'; readonly capacity: bigint }
  | { readonly do: 'over'; readonly over: State['over'] }
  | { readonly do: 'open' }
  | { readonly do: 'close' | 'close-alone' }
  | { readonly do: 'bring-back'; readonly article: ArticleId }
  | { readonly do: 'pause' | 'resume' }
  | { readonly do: 'take-back' }
  | { readonly do: 'buy' | 'stop' | 'go-on'; readonly article: ArticleId }
  | { readonly do: 'show-invoice'; readonly article: Exclude<ArticleId, 'tide'> }
  | { readonly do: 'limit'; readonly limit: bigint }
  | { readonly do: 'kill' | 'unplug' | 'plug' | 'dismiss' }

export type Act = (action: Action) => void
