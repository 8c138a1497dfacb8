import { memoryContender } from './contenders';
import { describeStore } from './describeStore';

describeStore('memory', async () => memoryContender(1));
