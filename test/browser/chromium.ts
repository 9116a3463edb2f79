import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
/** A browser in a container has no sandbox of its own, and one under test asks nobody outside. */
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--mute-audio',
  `--disable-features=${withoutFeatures().join()}`,
]

/**
 * Chromium loads two pages of its own for the address bar of each context, which nobody sees here and which take more of the processor than
 * many a page under test; and keeps a renderer in reserve. Its last list of features counts alone, so what playwright leaves out for pages to
 * behave is in this one too.
 */
function withoutFeatures(): readonly string[] {
  const idle = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'SpareRendererForSitePerProcess']
  const playwrights = [
    ...['AvoidUnnecessaryBeforeUnloadCheckSync', 'DestroyProfileOnBrowserClose', 'HttpsUpgrades', 'PaintHolding'],
    ...['HttpsFirstBalancedModeAutoEnable', 'ThirdPartyStoragePartitioning', 'AvoidCorsURLLoaderRestartOnRedirect'],
    ...['LensOverlay', 'MediaRouter', 'OptimizationHints', 'NetworkTimeServiceQuerying', 'AimEnabled'],
    'PreconnectToSearch',
  ]
  return [...idle, ...playwrights]
}

/** The Chromium to test with: CHROMIUM, else the first on the PATH, else nothing. */
export function chromiumHere(): string | null {
  const places = (process.env.PATH ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)))
  return [process.env.CHROMIUM ?? '', ...places].find(isExecutable) ?? null
}

let running: Promise<Browser> | undefined

/** One for all files of tests in this process, started with a fresh profile, and ended with it. Each context in it is somebody else's. */
export function openChromium(): Promise<Browser> {
  running ??= start()
  return running
}

async function start(): Promise<Browser> {
  const executablePath = chromiumHere()
  if (!executablePath) throw new Error('There is no Chromium here: set CHROMIUM, or run test/chromium.sh.')
  return chromium.launch({ executablePath, args: flags, headless: true })
}

function isExecutable(path: string): boolean {
  try {
    if (!path) return false
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
