"""The `restricted` profile of Kubernetes' Pod Security Standards, as far as pods like ours can break it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
_HOST = ("hostNetwork", "hostPID", "hostIPC")


def faults(spec):
    """A sentence for everything in a pod's spec that the profile refuses."""
    said = spec.get("securityContext") or {}
    yield from (f"{field} is set" for field in _HOST if spec.get(field))
    for volume in spec.get("volumes") or []:
        yield from (f"volume {volume['name']}: {kind}" for kind in set(volume) - {"name"} - _VOLUMES)
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        yield from (f"{container['name']}: {fault}" for fault in _container(container, said))


def _container(container, of_pod):
    own = container.get("securityContext") or {}
    both = of_pod | own
    if own.get("privileged"):
        yield "privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation must be false"
    if not both.get("runAsNonRoot"):
        yield "runAsNonRoot must be true"
    if both.get("runAsUser") == 0:
        yield "runAsUser must not be 0"
    if both.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
        yield "seccompProfile must be RuntimeDefault"
    capabilities = own.get("capabilities") or {}
    if "ALL" not in capabilities.get("drop", []) or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "all capabilities must be dropped"
    yield from (f"hostPort {p['hostPort']}" for p in container.get("ports") or [] if "hostPort" in p)
