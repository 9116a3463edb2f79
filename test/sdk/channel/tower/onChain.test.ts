import { toldToJudges } from '../judges.ts'
import { towerStories } from './stories.ts'

toldToJudges('a tower alone', towerStories)
