"""A model of a Flyte cluster: AdminService, DataProxyService and a propeller that drives real connectors and real pods.

It holds to what a real Flyte 1.16.8 was seen to do with connectors and containers, and to no more: it compiles nothing,
it checks no types, it caches nothing, it pulls no images.
"""
