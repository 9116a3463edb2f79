import { toldToJudges } from '../judges.ts'
import { chainStories } from './chainStories.ts'

toldToJudges('the end of a two-way channel', chainStories)
