/** One Chromium for the tests of a file, without a sandbox and without a word about the test's certificate. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { TOOL_ENVIRONMENT, tool } from './tool.js';

const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'];
const ARGUMENTS = ['--no-sandbox', '--ignore-certificate-errors', '--disable-gpu', '--disable-dev-shm-usage'];

export class Chromium {
  private constructor(readonly browser: Browser) {}

  static async start(): Promise<Chromium> {
    const options = { executablePath: tool(...NAMES), args: ARGUMENTS, env: { ...TOOL_ENVIRONMENT } };
    return new Chromium(await chromium.launch(options));
  }

  /** A page with connections, cookies and a cache of its own; `close` of its context ends them. */
  async open(url: string): Promise<Page> {
    const context = await this.browser.newContext({ ignoreHTTPSErrors: true });
    const page = await context.newPage();
    await page.goto(url);
    return page;
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}
