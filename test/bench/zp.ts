import { buildTrie, secureKey, verifyTrieProof } from '../../sdk/trie/index.ts'
  const account = new Uint8Array(104).fill(3)
  const key = secureKey(Uint8Array.of(1))
  const others = Array.from({ length: 7 * 15 }, (_, at) => {
    const depth = Math.floor(at / 15)
    const other = key.slice()
    const flip = 1 + (at % 15)
    other[depth >> 1] = (other[depth >> 1] as number) ^ (depth % 2 ? flip : flip << 4)
    return other
  })
  const trie = buildTrie([...others, key].map((one) => [one, account] as const))
  const proof = trie.prove(key)
for (let r=0;r<4;r++){const a=process.cpuUsage(); for (let i=0;i<6000;i++) verifyTrieProof({ root: trie.root, key, proof }); const b=process.cpuUsage(a); console.log((6000/b.user*1e6).toFixed(0),'/s user')}
