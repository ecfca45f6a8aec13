/* The warehouse screens' behaviour, put together. Every page works without it. */

import * as common from "./common.js";
import * as jobs from "./jobs.js";
import * as scan from "./scan.js";

for (const part of [common, scan, jobs]) part.start();
