/* What every staff page needs of scripts: times in the reader's own zone. */
import { localise } from "../shared/times.js";

localise();
