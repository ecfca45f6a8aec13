/* The dashboard's behaviour, put together. Every page works without it. */

import * as common from "./common.js";
import * as jobs from "./jobs.js";
import * as list from "./list.js";
import * as palette from "./palette.js";

for (const part of [palette, common, list, jobs]) part.start();
