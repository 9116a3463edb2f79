import { paint } from '../page/paint.ts'
import { firstState } from './model.ts'
import { shopperView } from './view.ts'

const place = document.querySelector('main')
if (place)
  paint(
    place,
    shopperView(firstState, () => undefined),
  )
