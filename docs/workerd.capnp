# The edge on bare workerd: npx wrangler deploy --dry-run --outdir dist-edge, then npx workerd serve docs/workerd.capnp
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  # Room for what is short-lived, in MB: with less, a loaded edge spends a tenth of its time on moving it about. It takes up
  # to 130 MB more memory; without this line, the edge works as well, and stores less a second.
  v8Flags = ["--min-semi-space-size=64", "--max-semi-space-size=64"],
  services = [
    (name = "edge", worker = .edge),
    # Rows of all objects. It must exist before the start.
    (name = "rows", disk = (path = "edge-rows", writable = true)),
    # Executors and Bitcoin sources may be on this machine.
    (name = "internet", network = (allow = ["public", "private", "local"], tlsOptions = (trustBrowserCas = true))),
    # Webhooks go where merchants say: whatever a name server answers, never into your own network.
    (name = "web", network = (allow = ["public"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "edge")],
);

const edge :Workerd.Worker = (
  modules = [
    (name = "worker", esModule = embed "../dist-edge/worker.js"),
    (name = "2c04c05985c5d3e3203b679afbd292a2a28aabe5-hashes.wasm", wasm = embed "../dist-edge/2c04c05985c5d3e3203b679afbd292a2a28aabe5-hashes.wasm"),
    (name = "d125c4c04be6d2e91bbb8e02af9a2496d802b069-secp256k1.wasm", wasm = embed "../dist-edge/d125c4c04be6d2e91bbb8e02af9a2496d802b069-secp256k1.wasm"),
  ],
  compatibilityDate = "2026-05-01",
  durableObjectNamespaces = [
    (className = "ShardObject", uniqueKey = "lanekit-shard", enableSql = true),
    (className = "ChainObject", uniqueKey = "lanekit-chain", enableSql = true),
    (className = "ChannelBoxObject", uniqueKey = "lanekit-box", enableSql = true),
    (className = "TowerObject", uniqueKey = "lanekit-tower", enableSql = true),
    (className = "WebhookObject", uniqueKey = "lanekit-webhook", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "rows"),
  bindings = [
    (name = "SHARD", durableObjectNamespace = "ShardObject"),
    (name = "CHAIN", durableObjectNamespace = "ChainObject"),
    (name = "BOX", durableObjectNamespace = "ChannelBoxObject"),
    (name = "TOWER", durableObjectNamespace = "TowerObject"),
    (name = "WEBHOOK", durableObjectNamespace = "WebhookObject"),
    (name = "WEB", service = "web"),
    (name = "CHAINS", fromEnvironment = "EDGE_CHAINS"),
    (name = "BITCOIN", fromEnvironment = "EDGE_BITCOIN"),
    (name = "SECURITY", fromEnvironment = "EDGE_SECURITY"),
    (name = "TOWER_KEY", fromEnvironment = "EDGE_TOWER_KEY"),
    (name = "LOG", text = "requests"),
  ],
);
