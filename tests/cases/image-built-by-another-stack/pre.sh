docker tag app:1 mine:local
docker tag app:1 based
