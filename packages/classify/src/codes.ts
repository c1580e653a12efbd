import type { Category, CategoryRow } from './categories.ts'

/** The verdict of one `error.details.error_code`: its category, and what differs from that category's row. */
export interface CodeVerdict extends Partial<CategoryRow> {
  /** The HTTP status that the API documents for the code. */
  readonly status: number
  /** The category whose row applies. */
  readonly category: Category
}

/**
 * Every error code of `@anthropic-ai/sdk` 1.12 (`core/error-classes`), in its order.
 * A 400 is the organization's to fix (`config`) where no change of the request alone would help.
 */
export const errorCodes: Readonly<Record<string, CodeVerdict>> = {
  already_member: { status: 400, category: 'invalid_request' },
  available_tools_limit_exceeded: {
    status: 400,
    category: 'invalid_request',
    hint: 'Offer fewer tools, or shorten their descriptions and schemas.',
  },
  bundle_attachment_not_supported: { status: 400, category: 'invalid_request', fault: 'config' },
  bundle_on_call: { status: 400, category: 'invalid_request', fault: 'config' },
  cannot_invite_emails_with_unverified_domains: { status: 400, category: 'invalid_request', fault: 'config' },
  cannot_remove_last_member: { status: 400, category: 'invalid_request' },
  cannot_sign_out_primary_owner: { status: 400, category: 'invalid_request' },
  cannot_sign_out_self: { status: 400, category: 'invalid_request' },
  claude_code_key_creator_not_member: {
    status: 400,
    category: 'invalid_request',
    fault: 'config',
    hint: 'The creator of this key left: issue a new key from a current member.',
  },
  claude_code_version_too_old: {
    status: 400,
    category: 'invalid_request',
    fault: 'config',
    hint: 'Update Claude Code to the version that the model or the organization asks for.',
  },
  cmek_feature_unsupported: { status: 400, category: 'invalid_request', fault: 'config' },
  cmek_key_disabled: {
    status: 400,
    category: 'invalid_request',
    fault: 'config',
    severity: 'page',
    hint: "Re-enable the workspace's encryption key: every request fails until then.",
  },
  cmek_key_network_blocked: {
    status: 400,
    category: 'invalid_request',
    fault: 'config',
    severity: 'page',
    hint: 'Let Anthropic through the network rules of your key management service.',
  },
  compaction_block_ambiguous: {
    status: 400,
    category: 'invalid_request',
    hint: 'Keep only the newest compaction block.',
  },
  compaction_block_misplaced: {
    status: 400,
    category: 'invalid_request',
    hint: 'Put the compaction block first in messages, outside of any system message.',
  },
  compaction_content_mismatch: {
    status: 400,
    category: 'invalid_request',
    hint: 'Send the compaction block back unedited.',
  },
  compaction_incomplete_turn: {
    status: 400,
    category: 'invalid_request',
    hint: 'Finish the assistant turn (tool results included) before you compact.',
  },
  compaction_nothing_to_summarize: {
    status: 400,
    category: 'invalid_request',
    hint: 'Compact only a conversation that has content.',
  },
  compaction_signature_invalid: {
    status: 400,
    category: 'invalid_request',
    hint: 'Send the compaction block back unedited, signature included.',
  },
  compaction_too_many_tool_references: {
    status: 400,
    category: 'invalid_request',
    hint: 'Refer to fewer distinct tools in one conversation, or start a new one.',
  },
  compaction_tool_changes_mismatch: {
    status: 400,
    category: 'invalid_request',
    hint: 'Send the compaction block back unedited, tool_changes included.',
  },
  email_domain_not_allowed: { status: 400, category: 'invalid_request', fault: 'config' },
  environment_archived: { status: 400, category: 'invalid_request' },
  external_key_in_workspace_policy: { status: 400, category: 'invalid_request', fault: 'config' },
  external_key_validation_failed: { status: 400, category: 'invalid_request', fault: 'config' },
  external_key_validation_timed_out: {
    status: 400,
    category: 'server_error',
    failover: false,
    trips: 'neutral',
    hint: "Anthropic's check of the key was late: send the request once more after a moment.",
  },
  file_not_downloadable: { status: 400, category: 'invalid_request' },
  image_dimensions_too_large: {
    status: 400,
    category: 'invalid_request',
    hint: 'Scale the named images down before sending.',
  },
  invalid_config_type_change: { status: 400, category: 'invalid_request' },
  invalid_metadata: { status: 400, category: 'invalid_request' },
  invite_already_exists: { status: 400, category: 'invalid_request' },
  key_profile_mismatch: { status: 400, category: 'invalid_request', fault: 'config' },
  org_api_key_limit_exceeded: { status: 400, category: 'invalid_request', fault: 'config' },
  org_member_limit_exceeded: { status: 400, category: 'invalid_request', fault: 'config' },
  organization_not_enrolled_in_beta: { status: 400, category: 'invalid_request', fault: 'config' },
  organization_on_hold: {
    status: 400,
    category: 'billing',
    hint: 'Anthropic has put the organization on hold: all models are refused. Stop calling and appeal.',
  },
  organization_type_not_supported: { status: 400, category: 'invalid_request', fault: 'config' },
  parent_organization_required: { status: 400, category: 'invalid_request', fault: 'config' },
  rbac_group_grants_owner_access: { status: 400, category: 'invalid_request', fault: 'config' },
  rbac_group_order_limit_exceeded: { status: 400, category: 'invalid_request', fault: 'config' },
  rbac_group_owner_access_unconfirmed: { status: 400, category: 'invalid_request', fault: 'config' },
  request_body_encoding_invalid: {
    status: 400,
    category: 'invalid_request',
    hint: 'Make the body match its Content-Encoding header, or send it uncompressed.',
  },
  request_body_encoding_unsupported: {
    status: 400,
    category: 'invalid_request',
    hint: 'Use a Content-Encoding that the API supports, or none.',
  },
  request_body_timeout: {
    status: 400,
    category: 'invalid_request',
    fault: 'network',
    hint: 'Send a smaller body, or upload over a faster connection.',
  },
  scan_failed: { status: 400, category: 'invalid_request' },
  settings_document_limit_exceeded: { status: 400, category: 'invalid_request', fault: 'config' },
  settings_history_limit_exceeded: { status: 400, category: 'invalid_request', fault: 'config' },
  slack_channel_set_up_settings_refused: { status: 400, category: 'invalid_request' },
  storage_quota_exceeded: { status: 400, category: 'invalid_request', fault: 'config' },
  thread_already_continued: {
    status: 400,
    category: 'invalid_request',
    hint: 'Continue from the newest response of the thread.',
  },
  thread_continue_in_flight: {
    status: 400,
    category: 'invalid_request',
    hint: 'Wait for the other call on this thread, then continue from its response; send one turn at a time.',
  },
  thread_fingerprint_mismatch: {
    status: 400,
    category: 'invalid_request',
    hint: 'Send the fields stored with the thread unchanged, or start a new thread with the whole conversation.',
  },
  thread_unsupported_request: {
    status: 400,
    category: 'invalid_request',
    hint: 'Drop the field that threads do not support, or send the whole conversation without a thread.',
  },
  tool_name_conflict: {
    status: 400,
    category: 'invalid_request',
    hint: 'Give every tool a name of its own, across MCP servers too.',
  },
  tool_reference_unresolved: {
    status: 400,
    category: 'invalid_request',
    hint: 'Define the tool or MCP server before the message that refers to it.',
  },
  unsupported_charset: { status: 400, category: 'invalid_request' },
  user_profile_not_found: { status: 400, category: 'invalid_request' },
  user_profile_required: {
    status: 400,
    category: 'invalid_request',
    hint: 'Name the profile to bill in the anthropic-user-profile-id header.',
  },
  workspace_api_key_limit_exceeded: { status: 400, category: 'invalid_request', fault: 'config' },
  workspace_member_limit_exceeded: { status: 400, category: 'invalid_request', fault: 'config' },
  workspace_policy_violation: { status: 400, category: 'invalid_request', fault: 'config' },
  linked_organization_billing_unavailable: {
    status: 402,
    category: 'billing',
    severity: 'ticket',
    hint: 'Tell the customer: the billing of their linked organization fails. Your own account is fine.',
  },
  linked_organization_spend_limit_reached: {
    status: 402,
    category: 'billing',
    severity: 'ticket',
    hint: 'Tell the customer: their linked organization is out of credit or at its spend limit.',
  },
  api_key_scope_missing: { status: 403, category: 'permission' },
  cannot_sign_out_managed_member: { status: 403, category: 'permission' },
  cannot_sign_out_membership_admin: { status: 403, category: 'permission' },
  cannot_sign_out_owner: { status: 403, category: 'permission' },
  cannot_sign_out_privileged_member: { status: 403, category: 'permission' },
  claude_tag_writes_not_enabled: { status: 403, category: 'permission' },
  compliance_configuration_restricted: { status: 403, category: 'permission' },
  environment_create_disabled: { status: 403, category: 'permission' },
  environment_update_disabled: { status: 403, category: 'permission' },
  organization_level_scoped_api_key_required: { status: 403, category: 'permission' },
  sandbox_egress_restricted: { status: 403, category: 'permission' },
  spend_limits_admin_api_writes_not_enabled: { status: 403, category: 'permission' },
  user_profile_billing_not_authorized: {
    status: 403,
    category: 'permission',
    hint: 'Ask the customer behind the profile to authorize the billing again.',
  },
  user_profile_not_billable: {
    status: 403,
    category: 'permission',
    hint: 'This profile cannot be billed: bill another one, or your own organization.',
  },
  environment_not_found: { status: 404, category: 'not_found', fault: 'input' },
  file_expired: { status: 404, category: 'not_found', fault: 'input' },
  rbac_group_managed_settings_not_found: { status: 404, category: 'not_found', fault: 'input' },
  rbac_group_not_found: { status: 404, category: 'not_found', fault: 'input' },
  rbac_role_not_found: { status: 404, category: 'not_found', fault: 'input' },
  slack_channel_set_up_environment_not_found: { status: 404, category: 'not_found', fault: 'input' },
  thread_not_found: {
    status: 404,
    category: 'not_found',
    fault: 'input',
    hint: 'The thread is gone: start a new one with the whole conversation.',
  },
  concurrent_membership_change: { status: 409, category: 'conflict' },
  external_key_changed: { status: 409, category: 'conflict' },
  plugin_name_taken: {
    status: 409,
    category: 'conflict',
    fault: 'input',
    retry: 'never',
    hint: 'Choose another name for the plugin, or update the one that holds it.',
  },
  scan_pending: {
    status: 409,
    category: 'conflict',
    retry: 'never',
    hint: 'The scan is still running: poll its state, and send again when it has finished.',
  },
  skill_name_taken: {
    status: 409,
    category: 'conflict',
    fault: 'input',
    retry: 'never',
    hint: 'Choose another name for the skill.',
  },
  skill_read_blocked_undecryptable: {
    status: 409,
    category: 'conflict',
    fault: 'config',
    severity: 'ticket',
    retry: 'never',
    hint: "Restore the workspace's encryption key, or leave this skill out of the request.",
  },
  slack_channel_set_up_settings_conflict: {
    status: 409,
    category: 'conflict',
    retry: 'never',
    hint: 'The channel exists but has no settings: read it, then set them in a request of their own.',
  },
  heartbeat_precondition_failed: { status: 412, category: 'precondition_failed' },
  request_body_too_large_after_decoding: {
    status: 413,
    category: 'request_too_large',
    hint: 'The size limit counts the decoded body: compression does not help, so send less.',
  },
  contract_spend_limit_reached: {
    status: 429,
    category: 'spend_limit',
    hint: 'The spend limit of the contract is reached: talk to your account team; retrying cannot help.',
  },
  enforced_spend_limit_reached: {
    status: 429,
    category: 'spend_limit',
    hint: "The tier's monthly cap is reached: move up a tier, or wait for the 1st of the month (UTC).",
  },
  ramp_limit_exceeded: {
    status: 429,
    category: 'rate_limit',
    hint: 'Usage grew too fast: wait for retry-after, then raise the traffic step by step.',
  },
  cmek_context_unavailable: {
    status: 503,
    category: 'server_error',
    retry: 'patient',
    failover: false,
    hint: 'The encryption settings could not be read: try again in a few minutes.',
  },
  cmek_key_unreachable: {
    status: 503,
    category: 'server_error',
    failover: false,
    hint: 'Retry once; if it stays, check that the key is up in your key management service.',
  },
  registration_pending: {
    status: 503,
    category: 'server_error',
    retry: 'never',
    failover: false,
    trips: 'neutral',
    hint: 'The plugin version is already stored: do not send it again, wait until it is usable.',
  },
  compaction_unavailable: {
    status: 529,
    category: 'overloaded',
    hint: 'The compaction failed for now: retry after a while, or go on without it.',
  },
}

/** Codes that Breakwater's own errors and synthetic responses carry in `error.details.error_code`. */
export const ownCodes: Readonly<Record<string, CodeVerdict>> = {
  circuit_open: { status: 503, category: 'circuit_open' },
  stream_interrupted: { status: 503, category: 'stream_interrupted' },
  timeout: { status: 504, category: 'timeout' },
  queue_full: {
    status: 503,
    category: 'rate_limit',
    retry: 'never',
    hint: 'Nothing was sent: the local queue is full. Shed load, or raise maxQueue.',
  },
  queue_wait: {
    status: 503,
    category: 'rate_limit',
    retry: 'never',
    hint: 'Nothing was sent: the local queue is too slow for maxWaitMs or the deadline. Shed load.',
  },
}

/** The verdict of an error code, Anthropic's or our own; undefined for one that is not known. */
export function verdictOfCode(code: string | undefined): CodeVerdict | undefined {
  if (code === undefined) return undefined
  // `hasOwn`, because a code such as `constructor` must not find what every object inherits.
  if (Object.hasOwn(errorCodes, code)) return errorCodes[code]
  return Object.hasOwn(ownCodes, code) ? ownCodes[code] : undefined
}
