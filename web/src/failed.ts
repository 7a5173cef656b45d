/** The page when there is no model: what is wrong and what to do. */

import { html, prose } from './dom';
import type { Failure } from './failure';

/** Shows the failure in place of the form. */
export function showFailure(failure: Failure, page: HTMLElement): void {
  const again = html('button', { type: 'button', class: 'primary' }, 'Try again');
  again.addEventListener('click', () => location.reload());
  page.replaceChildren(
    html(
      'section',
      { class: 'card failure', role: 'alert' },
      html('h2', {}, 'The model cannot be used'),
      html('p', { class: 'message' }, ...prose(failure.message)),
      html('p', { class: 'remedy' }, ...prose(failure.hint)),
      again,
    ),
  );
}
