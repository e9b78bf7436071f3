// A function of four small dependencies.
import cookie from 'cookie';
import dotenv from 'dotenv';
import minimist from 'minimist';
import ms from 'ms';

dotenv.config();

export async function handler(event) {
  const jar = cookie.parse(event.headers.cookie || '');
  const args = minimist((event.args || '').split(' '));
  return { statusCode: 200, body: JSON.stringify({ jar, args, wait: ms(String(args.wait || '1s')) }) };
}
