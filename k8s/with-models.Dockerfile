# A service's image with the models in it, so that an instance needs nothing but its image to start:
# docker build -f k8s/with-models.Dockerfile --build-arg BASE=pilothouse-inference --tag inference models/
ARG BASE
# hadolint ignore=DL3006  # the base is the image that was built just before, by its commit
FROM ${BASE}
COPY --chmod=u=rwX,go=rX . /models
