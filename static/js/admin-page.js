import { watchSubmits } from "./once.js";
import { tellZone } from "./zone.js";

tellZone();
watchSubmits();
