export { canonicalJson, configHash } from './config-hash.ts'
export { crdYaml } from './crd.ts'
export { type FieldAnswer, type FieldDoc, fieldDoc, listFields, type RuleDoc } from './explain.ts'
export {
  type ManifestDocument,
  type Manifests,
  parseSocketServer,
  readManifests,
  type SkippedDocument,
} from './manifests.ts'
export type { ParseResult } from './parse.ts'
export type { Problem } from './problem.ts'
export type { DeepReadonly } from './units.ts'
export { type Certificate, certificateSchema } from './v1alpha1/certificate.ts'
export {
  type AllowedNames,
  CA_REF_KINDS,
  type CaRef,
  CLIENT_CERTIFICATE_METHODS,
  type ClientCertificate,
  clientCertificateSchema,
} from './v1alpha1/client-certificate.ts'
export { CONDITION_REASONS, EVENT_REASONS } from './v1alpha1/conditions.ts'
export {
  BALANCES,
  type Backend,
  type BackendTls,
  type Balance,
  type ForwardSpec,
  HANDLER_TYPES,
  type HandlerSpec,
  type HandlerType,
  handlerSchema,
  type PassthroughSpec,
  PROXY_VERSIONS,
  type ProxyVersion,
  REDIRECT_STATUS_CODES,
  type RedirectSpec,
} from './v1alpha1/handler.ts'
export { type IcsHost, icsHostSchema } from './v1alpha1/ics-host.ts'
export type { Access, Timeouts } from './v1alpha1/limits.ts'
export {
  type Listener,
  listenerSchema,
  PROXY_PROTOCOL_MODES,
  type ProxyProtocol,
  SOCKET_FAMILIES,
  type SocketFamily,
} from './v1alpha1/listener.ts'
export type { Affinity, Toleration } from './v1alpha1/scheduling.ts'
export { EXTERNAL_TRAFFIC_POLICIES, SERVICE_TYPES, type ServiceSpec } from './v1alpha1/service.ts'
export {
  API_VERSION,
  BIND_POLICIES,
  type BindPolicy,
  KIND,
  RECHECK_ANNOTATION,
  type SocketServer,
  type SocketServerSpec,
  type SocketServerSpecInput,
  socketServerSchema,
  socketServerSpecSchema,
} from './v1alpha1/socket-server.ts'
export {
  type CertificateStatus,
  CONDITION_TYPES,
  type Condition,
  type ConditionType,
  certificateStatusSchema,
  GRADES,
  type Grade,
  type IcsHostStatus,
  icsHostStatusSchema,
  LISTENER_STATES,
  type ListenerStatus,
  listenerStatusSchema,
  type SocketServerStatus,
  statusSchema,
  type UnresolvedRef,
} from './v1alpha1/status.ts'
export type { PodTemplate } from './v1alpha1/template.ts'
export {
  CIPHERS,
  type Cipher,
  DEFAULT_SECURITY_LEVEL,
  GROUPS,
  type Group,
  SECURITY_LEVELS,
  type SecurityLevel,
  TLS_VERSIONS,
  TLS12_CIPHERS,
  TLS13_CIPHERS,
  type TlsOverrides,
  type TlsVersion,
  tlsOverridesSchema,
} from './v1alpha1/tls-policy.ts'
