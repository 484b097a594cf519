docker tag app:1 one
docker tag app:1 two:x
