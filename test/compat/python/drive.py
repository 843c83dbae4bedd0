"""Drives the API with Kubernetes' client for Python; prints one line per check that passed.

Usage: drive.py KUBECONFIG NAMESPACE
"""

import datetime
import json
import sys
import threading
import time

from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.rest import ApiException
from kubernetes.leaderelection import electionconfig, leaderelection
from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock
from kubernetes.stream import portforward, stream

kubeconfig, namespace = sys.argv[1:]
api_client = config.new_client_from_config(kubeconfig)
core = client.CoreV1Api(api_client)
checks = []


def check(function):
    checks.append(function)
    return function


def eventually(what, probe, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = probe()
        if value:
            return value
        time.sleep(0.2)
    raise AssertionError(f"{what} did not happen")


def refused(status, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except ApiException as error:
        assert error.status == status, error
        return error.body
    raise AssertionError("that was allowed")


@check
def version_and_discovery():
    assert client.VersionApi(api_client).get_code().git_version.startswith("v1.")
    groups = [group.name for group in client.ApisApi(api_client).get_api_versions().groups]
    assert "apps" in groups and "batch" in groups, groups


@check
def typed_objects():
    body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name="typed", labels={"by": "python"}), data={"a": "1"})
    created = core.create_namespaced_config_map(namespace, body)
    assert isinstance(created.metadata.creation_timestamp, datetime.datetime)
    assert "already exists" in refused(409, core.create_namespaced_config_map, namespace, body)
    listed = core.list_namespaced_config_map(namespace, label_selector="by=python")
    assert [item.metadata.name for item in listed.items] == ["typed"]
    patched = core.patch_namespaced_config_map("typed", namespace, {"data": {"b": "2"}})
    assert patched.data == {"a": "1", "b": "2"}, patched.data
    by_steps = core.patch_namespaced_config_map("typed", namespace, [{"op": "remove", "path": "/data/a"}])
    assert by_steps.data == {"b": "2"}, by_steps.data
    core.delete_namespaced_config_map("typed", namespace)
    refused(404, core.read_namespaced_config_map, "typed", namespace)


@check
def objects_from_dicts():
    made = utils.create_from_dict(
        api_client,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {
                        "terminationGracePeriodSeconds": 0,
                        "containers": [{"name": "web", "image": "gantry-test/web:v1"}],
                    },
                },
            },
        },
        namespace=namespace,
    )
    assert made[0].spec.replicas == 1
    apps = client.AppsV1Api(api_client)
    eventually("web is ready", lambda: apps.read_namespaced_deployment("web", namespace).status.ready_replicas == 1)
    apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 2}})
    eventually(
        "web has two pods",
        lambda: len(core.list_namespaced_pod(namespace, label_selector="app=web").items) == 2,
    )
    apps.delete_namespaced_deployment("web", namespace, propagation_policy="Foreground")
    eventually("web is gone", lambda: not core.list_namespaced_pod(namespace, label_selector="app=web").items)


@check
def watching():
    revision = core.list_namespaced_config_map(namespace).metadata.resource_version
    seen = []

    def follow():
        events = watch.Watch().stream(
            core.list_namespaced_config_map,
            namespace,
            resource_version=revision,
            field_selector="metadata.name=watched",
            timeout_seconds=60,
        )
        for event in events:
            seen.append((event["type"], event["object"].data))
            if event["type"] == "DELETED":
                return

    thread = threading.Thread(target=follow)
    thread.start()
    core.create_namespaced_config_map(
        namespace, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="watched"), data={"a": "1"})
    )
    core.patch_namespaced_config_map("watched", namespace, {"data": {"a": "2"}})
    core.delete_namespaced_config_map("watched", namespace)
    thread.join(60)
    assert seen == [("ADDED", {"a": "1"}), ("MODIFIED", {"a": "2"}), ("DELETED", {"a": "2"})], seen


@check
def pods_logs_exec_and_ports():
    core.create_namespaced_pod(
        namespace,
        {
            "metadata": {"name": "box"},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [
                    {
                        "name": "box",
                        "image": "busybox:1",
                        "command": ["sh", "-c", "echo ready; exec nc -ll -p 9000 -e cat"],
                    }
                ],
            },
        },
    )
    eventually("box runs", lambda: core.read_namespaced_pod("box", namespace).status.phase == "Running")
    eventually("box said so", lambda: core.read_namespaced_pod_log("box", namespace) == "ready\n")
    assert core.read_namespaced_pod_log("box", namespace, tail_lines=1, timestamps=True).endswith("Z ready\n")
    said = stream(
        core.connect_get_namespaced_pod_exec,
        "box",
        namespace,
        command=["sh", "-c", "echo out; exit 0"],
        stdout=True,
        stderr=True,
    )
    assert said == "out\n", said
    session = stream(
        core.connect_get_namespaced_pod_exec,
        "box",
        namespace,
        command=["sh"],
        stdin=True,
        stdout=True,
        stderr=True,
        _preload_content=False,
    )
    session.write_stdin("echo there; echo oops >&2; exit 5\n")
    session.run_forever(timeout=30)
    assert (session.read_stdout(), session.read_stderr(), session.returncode) == ("there\n", "oops\n", 5)
    ports = portforward(core.connect_get_namespaced_pod_portforward, "box", namespace, ports="9000")
    socket = ports.socket(9000)
    socket.settimeout(30)
    socket.sendall(b"there and back")
    assert socket.recv(100) == b"there and back"
    socket.close()
    core.delete_namespaced_pod("box", namespace)
    eventually("box is gone", lambda: not core.list_namespaced_pod(namespace, field_selector="metadata.name=box").items)


@check
def dynamic_client_and_server_side_apply():
    anything = dynamic.DynamicClient(api_client)
    maps = anything.resources.get(api_version="v1", kind="ConfigMap")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "dynamic"}, "data": {"a": "1"}}

    def apply(field_manager, **more):
        # This version of the client sends what is no JSON patch as it is given.
        return maps.server_side_apply(
            body=json.dumps(body), name="dynamic", namespace=namespace, field_manager=field_manager, **more
        )

    applied = apply("one")
    assert applied.metadata.managedFields[0].manager == "one"
    body["data"]["a"] = "2"
    conflict = None
    try:
        apply("two")
    except dynamic.exceptions.ConflictError as error:
        conflict = error.body.decode()
    assert 'conflict with \\"one\\": .data.a' in conflict, conflict
    forced = apply("two", force_conflicts=True)
    assert forced.data.a == "2"
    nodes = anything.resources.get(api_version="v1", kind="Node").get()
    assert nodes.items[0].status.nodeInfo.kubeletVersion.startswith("v1.")
    maps.delete(name="dynamic", namespace=namespace)


@check
def custom_objects():
    client.ApiextensionsV1Api(api_client).create_custom_resource_definition(
        {
            "metadata": {"name": "boats.example.com"},
            "spec": {
                "group": "example.com",
                "scope": "Namespaced",
                "names": {"plural": "boats", "singular": "boat", "kind": "Boat"},
                "versions": [
                    {
                        "name": "v1",
                        "served": True,
                        "storage": True,
                        "schema": {
                            "openAPIV3Schema": {
                                "type": "object",
                                "properties": {
                                    "spec": {"type": "object", "properties": {"length": {"type": "integer"}}}
                                },
                            }
                        },
                    }
                ],
            },
        }
    )
    custom = client.CustomObjectsApi(api_client)
    where = ("example.com", "v1", namespace, "boats")

    def served():
        try:
            return custom.list_namespaced_custom_object(*where)
        except ApiException:
            return None

    eventually("boats are served", served)
    boat = {"apiVersion": "example.com/v1", "kind": "Boat", "metadata": {"name": "tug"}, "spec": {"length": 20}}
    custom.create_namespaced_custom_object(*where, boat)
    custom.patch_namespaced_custom_object(*where, "tug", {"spec": {"length": 21}})
    assert custom.get_namespaced_custom_object(*where, "tug")["spec"] == {"length": 21}
    boat["spec"]["length"] = "long"
    refused(422, custom.create_namespaced_custom_object, *where, {**boat, "metadata": {"name": "odd"}})
    custom.delete_namespaced_custom_object(*where, "tug")
    client.ApiextensionsV1Api(api_client).delete_custom_resource_definition("boats.example.com")


@check
def rights_and_tokens():
    core.create_namespaced_service_account(namespace, {"metadata": {"name": "robot"}})
    token = core.create_namespaced_service_account_token(
        "robot", namespace, client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=[]))
    ).status.token
    robot_config = client.Configuration()
    robot_config.host = api_client.configuration.host
    robot_config.ssl_ca_cert = api_client.configuration.ssl_ca_cert
    robot_config.api_key["authorization"] = f"Bearer {token}"
    robot = client.CoreV1Api(client.ApiClient(robot_config))
    body = refused(403, robot.list_namespaced_pod, namespace)
    assert f'User \\"system:serviceaccount:{namespace}:robot\\" cannot list resource \\"pods\\"' in body, body
    review = client.AuthorizationV1Api(api_client).create_self_subject_access_review(
        {"spec": {"resourceAttributes": {"verb": "list", "resource": "pods", "namespace": namespace}}}
    )
    assert review.status.allowed


@check
def leases():
    coordination = client.CoordinationV1Api(api_client)
    now = datetime.datetime.now(datetime.timezone.utc)
    spec = client.V1LeaseSpec(
        holder_identity="one", lease_duration_seconds=15, acquire_time=now, renew_time=now, lease_transitions=0
    )
    lease = coordination.create_namespaced_lease(
        namespace, client.V1Lease(metadata=client.V1ObjectMeta(name="led"), spec=spec)
    )
    assert lease.spec.renew_time == now, (lease.spec.renew_time, now)
    lease.spec.holder_identity = "two"
    coordination.replace_namespaced_lease("led", namespace, lease)
    # The revision of the first answer is no longer the current one.
    refused(409, coordination.replace_namespaced_lease, "led", namespace, lease)
    coordination.delete_namespaced_lease("led", namespace)



@check
def leader_election():
    config.load_kube_config(kubeconfig)
    led = []

    def lead():
        led.append("one")

    def run():
        lock = ConfigMapLock("leader", namespace, "one")
        election = electionconfig.Config(
            lock, lease_duration=3, renew_deadline=2, retry_period=1, onstarted_leading=lead, onstopped_leading=None
        )
        leaderelection.LeaderElection(election).run()

    threading.Thread(target=run, daemon=True).start()
    eventually("somebody leads", lambda: led, 30)
    record = core.read_namespaced_config_map("leader", namespace).metadata.annotations
    assert '"holderIdentity": "one"' in record["control-plane.alpha.kubernetes.io/leader"], record


failed = 0
for function in checks:
    try:
        function()
        print(f"ok {function.__name__}", flush=True)
    except Exception as error:  # every check is told about, whatever goes wrong
        failed += 1
        print(f"failed {function.__name__}: {type(error).__name__}: {error}", flush=True)
sys.exit(1 if failed else 0)
