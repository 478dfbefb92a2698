{{/* Name of every object of the release. */}}
{{- define "socketserver.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/*
Labels by which the operator's pods are found. Pods of engines have the name "socketserver" and their SocketServer as instance,
which may be called as the release is: hence another name here.
*/}}
{{- define "socketserver.selectorLabels" -}}
app.kubernetes.io/name: socketserver-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "socketserver.labels" -}}
{{ include "socketserver.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: socketserver
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* Labels of the pods of all engines. */}}
{{- define "socketserver.engineLabels" -}}
app.kubernetes.io/name: socketserver
app.kubernetes.io/managed-by: socketserver-operator
{{- end -}}

{{- define "socketserver.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "socketserver.name" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "socketserver.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}

{{- define "socketserver.engineImage" -}}
{{- $tag := default .Values.image.tag .Values.engine.image.tag -}}
{{- printf "%s:%s" (default .Values.image.repository .Values.engine.image.repository) (default .Chart.AppVersion $tag) -}}
{{- end -}}

{{/* What the pods of the chart may do: nothing. The Pod Security Standard "restricted" takes them. */}}
{{- define "socketserver.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "socketserver.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}
