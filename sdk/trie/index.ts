export { type TrieProof, verifyTrieProof } from './proof.ts'
export { buildTrie, emptyTrieRoot, orderedKey, orderedTrie, secureKey, type Trie, trieKeyBytesMax } from './trie.ts'
